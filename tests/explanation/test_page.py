"""The page of all losses is what the catalogue says."""

from pathlib import Path

import pytest

from normwise.catalogue import BUILT_IN, Loss
from normwise.catalogue.peers import PEERS, peers_of
from normwise.explanation import page as writer
from normwise.explanation.page import losses_page, pages_of_catalogue

PAGE = Path(__file__).parents[2] / "docs" / "losses.md"


@pytest.fixture(scope="module")
def page() -> str:
    return losses_page()


def test_the_page_is_what_its_generator_writes(page: str) -> None:
    assert PAGE.read_text(encoding="utf-8") == page, "run make docs"


def test_it_has_every_loss_of_the_catalogue_and_each_once(page: str) -> None:
    names = [each.name for _, losses in pages_of_catalogue() for each in losses]
    assert sorted(names) == sorted(BUILT_IN)
    for name in names:
        assert page.count(f"\n### {name}\n") == 1
        assert page.count(f"](#{name})") == 1


def section(page: str, name: str) -> str:
    return page.partition(f"\n### {name}\n")[2].partition("\n### ")[0].partition("\n## ")[0]


def test_a_section_has_what_the_declaration_says(page: str, every_loss: Loss) -> None:
    text = section(page, every_loss.name)
    for name in (*every_loss.parameters, *every_loss.further_arrays):
        assert f"- `{name}`: " in text
    for name, interval in every_loss.domain.items():
        assert f"in {interval}" in next(line for line in text.splitlines() if line.startswith(f"- `{name}`"))
    assert (f"estimates: {every_loss.minimiser}" in text) == bool(every_loss.minimiser)
    for row in peers_of(every_loss.name):
        path, _, inside = row.names[0].partition("(")
        assert f"| `{path}" in text
        assert inside.rstrip(")") in text


def test_every_row_of_the_table_is_there(page: str) -> None:
    assert sum(page.count(f"| `{path}") > 0 for path in {row.names[0].partition("(")[0] for row in PEERS}) > 60
    assert "| `scipy.optimize.least_squares(loss='huber', f_scale=1)` | `2 * huber(delta=f_scale)` |" in page


def test_tables_are_whole(page: str) -> None:
    columns = {0}
    for line in page.splitlines():
        if line.startswith("| "):
            columns.add(line.replace(r"\|", "").count("|"))
            assert line.endswith(" |")
    assert columns == {0, 4, 8}


def test_main_writes_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "losses_page", lambda: "the page ≤\n")
    writer.main([str(tmp_path / "losses.md")])
    assert (tmp_path / "losses.md").read_text(encoding="utf-8") == "the page ≤\n"
