"""Where the peers' own tests fail with normwise in place of their functions, on purpose: the one list of it.

A test of the list that passes fails the run, and so does a name that no test has: no exception outlives its reason.
"""

from collections.abc import Mapping

_ONE_TARGET = "of a single target a score is 1 for a perfect prediction and else 0, as of any equal ones; theirs is nan"
_SCORES = ("d2_absolute_error_score", "d2_pinball_score", "d2_pinball_score_01", "d2_pinball_score_09", "r2_score")

DIFFERENCES: Mapping[str, Mapping[str, str]] = {
    "scipy.spatial.tests.test_distance": {
        "test_sqeuclidean_dtypes": "distances of halves are float32, and complex and longer numbers are refused",
    },
    "sklearn.metrics.tests.test_regression": {
        **{
            f"test_regression_single_sample[{s}]": _ONE_TARGET
            for s in ("r2_score", "d2_tweedie_score", "d2_pinball_score")
        }
    },
    "sklearn.metrics.tests.test_common": {
        **{f"test_single_sample[{s}]": _ONE_TARGET for s in (*_SCORES, "d2_tweedie_score")},
        **{f"test_single_sample_multioutput[{s}]": _ONE_TARGET for s in _SCORES},
    },
}
"""For each module of tests, the reason for each test by its name."""
