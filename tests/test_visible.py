"""What others wrote reaches no terminal as anything but signs, by whatever route."""

import json
import re
import unicodedata
from pathlib import Path

import polars as pl
import pytest

from normwise.errors import InputError
from normwise.evaluation import evaluate
from normwise.explanation.explain import explain
from normwise.functional import loss
from normwise.visible import json_escape, visible, visible_lines
from tests.processes import in_terminals

EVIL = {
    "title of the window": "\x1b]0;owned\x07",
    "forged row": "a\r\n  all   *0.00 ± 0.00   9",
    "clear the screen": "\x9b2J",
    "turned around": "a\u202ecod.exe",
    "isolated": "a\u2066b\u2069",
    "of no width": "a\u200bb\u200d\ufeff",
    "line separator": "a\u2028b\u2029c\x85d",
    "tag": "a\U000e0041",
}
OF_THE_STYLE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\x1b\[\?25[hl]")
"""What Rich and plotext write themselves: colours, and moves of the cursor."""


def hidden(text: str) -> list[str]:
    """The characters of a text that are no signs: those of whole lines that end are left out."""
    plain = OF_THE_STYLE.sub("", text).replace("\r\n", "\n")
    return [sign for sign in plain if sign != "\n" and unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_what_is_no_sign_is_escaped_and_nothing_else(evil: str) -> None:
    shown = visible(evil)
    assert shown.isprintable()
    assert shown.encode("latin-1", "backslashreplace").decode("unicode_escape") == evil
    assert json.loads(f'"{visible(evil, json_escape)}"') == evil
    for text in ("Zoë", "東京\u3000区", "12\xa0000", "نام", "a\\b", "[red]x[/]", ""):
        assert visible(text) == text


def test_a_surrogate_can_be_printed() -> None:
    name = "caf\udce9"
    assert visible(name).encode() == rb"caf\udce9"
    assert json.loads(f'"{visible(name, json_escape)}"') == name


def test_lines_stay_lines() -> None:
    assert visible_lines("a\n\tb\r\n") == "a\n\\tb\\r\n"


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_a_table_shows_no_control_character(evil: str) -> None:
    frame = pl.DataFrame({evil: [1.0, 2.0], f"p{evil}": [2.0, 4.0], f"g{evil}": [evil, "b"], "q": [0.0, 0.0]})
    found = evaluate(frame, target=evil, prediction=[f"p{evil}", "q"], by=f"g{evil}", losses=f"abs(r) # {evil[:1]}a")
    shown = str(found)
    assert hidden(shown) == []
    assert len(shown.splitlines()) == len(str(shown).split("\n")) == 10
    assert visible(evil) in shown
    assert found.groups[0].key in ((evil,), ("b",))  # the data stay what they are
    assert found.to_dict()["target"] == evil


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_an_error_shows_no_control_character(tmp_path: Path, evil: str) -> None:
    frame = pl.DataFrame({evil: [1.0], "t": [1.0], "p": [evil]})
    calls = (
        lambda: evaluate(frame, target="t", prediction=f"{evil}x"),
        lambda: evaluate(frame, target="t", prediction=["p", "p"], by=[evil, evil]),
        lambda: evaluate(tmp_path / f"{evil}.csv", target="t", prediction="p"),
        lambda: evaluate(tmp_path / f"{evil}.doc", target="t", prediction="p"),
        lambda: evaluate(tmp_path / evil, target="t", prediction="p"),
        lambda: evaluate(frame, target="t", prediction=evil, losses=evil),
        lambda: evaluate(frame, target="t", prediction=evil, losses=f"huber:{evil}=1"),
        lambda: loss(f"r + {evil}"),
    )
    (tmp_path / f"{evil}.doc").touch()
    (tmp_path / evil).mkdir()
    for call in calls:
        with pytest.raises(InputError) as raised:
            call()
        assert hidden(str(raised.value)) == []


def test_a_loss_of_ones_own_with_a_remark_is_explained() -> None:
    assert hidden(str(explain("r**2 # \x1b]0;owned\x07"))) == []


@pytest.mark.long
def test_the_command_line_sends_no_control_character_to_a_terminal(tmp_path: Path) -> None:
    text = "".join(EVIL.values())
    pl.DataFrame({"t": [1.0, 2.0], f"p{text}": [2.0, 4.0], "g": [text, "b"]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"t": ["x"]}).write_csv(tmp_path / f"{text}.csv")
    question = ("a.parquet", "-t", "t", "-p", f"p{text}", "--by", "g")
    for code, arguments in (
        (0, ("evaluate", *question)),
        (0, ("evaluate", *question, "--json", "-")),
        (2, ("evaluate", *question, "-b", text)),
        (2, ("evaluate", f"{text}.csv", "-t", "t", "-p", text)),
        (2, ("evaluate", f"{text}.doc", "-t", "t", "-p", text)),
        (2, ("evaluate", *question, f"--{text}")),
        (2, ("evaluate", *question, "--json", f"{text}/out.json")),
        (0, ("explain", f"r**2 # {text}")),
        (2, ("explain", text)),
        (2, ("explain", "huber", f"--{text}")),
        (2, (text,)),
    ):
        shown = in_terminals(*arguments, cwd=tmp_path)
        assert shown.code == code, (arguments, shown)
        assert hidden(shown.stdout.decode()) == [], arguments
        assert hidden(shown.stderr.decode()) == [], arguments
        if arguments[-1] == "-":
            assert json.loads(shown.stdout)["predictions"] == [f"p{text}"]


def test_square_brackets_are_no_markup(tmp_path: Path) -> None:
    pl.DataFrame({"t": [1.0], "[bold]p": [2.0], "[red]g": ["[link=x]y"]}).write_csv(tmp_path / "a.csv")
    label = "r**2 # [red]mine"
    question = ("a.csv", "-t", "t", "-p", "[bold]p", "--by", "[red]g", "-l", label)
    shown = in_terminals("evaluate", *question, cwd=tmp_path)
    assert shown.code == 0
    for text in ("[bold]p", "[red]g", "[link=x]y", label):
        assert text in OF_THE_STYLE.sub("", shown.stdout.decode())
