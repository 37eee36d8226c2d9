"""The solver's door takes floats: whole amounts come through it to the unit, else proofs would prove nothing."""

from __future__ import annotations

import numpy as np
import pytest

from migrations_app.placement import solver

LARGE = 2.0**46


def test_the_cheapest_of_large_weights_is_told_to_the_unit() -> None:
    weights = LARGE + np.arange(8.0)
    cover = solver.cheapest_cover(np.ones((8, 1)), np.array([3.0]), weights, seconds=5.0)
    assert cover is not None
    assert cover.chosen.tolist() == [0, 1, 2]
    assert cover.least_weight == weights[:3].sum()


@pytest.mark.parametrize(("wanted", "is_there"), [(2 * LARGE + 13, True), (2 * LARGE + 14, False)])
def test_what_lacks_one_unit_is_refuted(wanted: float, is_there: bool) -> None:
    amounts = (LARGE + np.array([1.0, 2.0, 3.0, 10.0]))[:, None]
    both = np.hstack([amounts, -np.ones((4, 1))])  # the second column: not more than two of them
    cover = solver.cheapest_cover(both, np.array([wanted, -2.0]), np.ones(4), seconds=5.0)
    assert (cover is not None) == is_there
