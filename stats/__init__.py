"""From arrays of effects to estimates, sets and p-values: scenes are the unit, layers the axis."""

from stats.bootstrap import BootstrapInterval, cluster_bootstrap
from stats.emergence import Emergence, emergence_layer
from stats.forward_backward import LayerSet, forward_backward_set, half_forward_backward_set
from stats.half_crossing import HalfCrossing, half_plateau_crossing, isotonic_crossing
from stats.power import minimum_detectable_effect
from stats.resampling import resampled_means, resampled_statistic, resampled_t, weight_chunks
from stats.shuffled_labels import ShuffledLabelTest, shuffled_label_test
from stats.sign_flip import SignFlipTest, sign_flip_max_t

__all__ = [
    "BootstrapInterval",
    "Emergence",
    "HalfCrossing",
    "LayerSet",
    "ShuffledLabelTest",
    "SignFlipTest",
    "cluster_bootstrap",
    "emergence_layer",
    "forward_backward_set",
    "half_forward_backward_set",
    "half_plateau_crossing",
    "isotonic_crossing",
    "minimum_detectable_effect",
    "resampled_means",
    "resampled_statistic",
    "resampled_t",
    "shuffled_label_test",
    "sign_flip_max_t",
    "weight_chunks",
]
