# pyright: basic
"""The likelihood of Barron's general noise, whose shape and scale are learned."""

import math

from normwise.catalogue.declaration import FINITE, Interval
from normwise.catalogue.registry import loss
from normwise.catalogue.robust import barron
from normwise.formula import log


@loss(
    domain={"alpha": Interval(0, math.inf), "c": FINITE},
    module="BarronNLLLoss",
    minimiser="M-estimate of location",
    noise="general, of Barron",
)
def barron_nll(r, log_partition, alpha=1.0, c=1.0):
    """Negative log-likelihood of Barron's general noise, 2019: his general loss, log(c), and the density's normaliser.

    With it a smaller loss of the outliers has its price, so alpha and c can be learned. The normaliser is that of alpha
    with c = 1: `normwise.nn.AdaptiveBarronLoss` computes it, and learns both.
    """
    return barron.written(r=r, alpha=alpha, c=c) + log(c) + log_partition
