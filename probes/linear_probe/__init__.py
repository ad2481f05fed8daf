"""Linear probes: multinomial logistic regression on the residual stream, layer by layer."""

from probes.linear_probe.by_layers import by_layers, joined_layers
from probes.linear_probe.control_draws import ControlDraws, control_draws
from probes.linear_probe.control_task import control_labels, selectivity
from probes.linear_probe.cross_fit import CrossFittedProbe, cross_fit
from probes.linear_probe.description_length import DescriptionLength, online_code
from probes.linear_probe.probe import LinearProbe, fit_probe

__all__ = [
    "ControlDraws",
    "CrossFittedProbe",
    "DescriptionLength",
    "LinearProbe",
    "by_layers",
    "control_draws",
    "control_labels",
    "cross_fit",
    "fit_probe",
    "joined_layers",
    "online_code",
    "selectivity",
]
