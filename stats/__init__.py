"""From arrays of effects to estimates, sets and p-values: scenes are the unit, layers the axis."""

from stats.agreement import Agreement, readout_agreement
from stats.area_difference import AreaDifference, area_difference
from stats.area_power import AreaPower, clusters_for_area_gain
from stats.auc import AreaUnderCurve, area_under_curve
from stats.bootstrap import BootstrapInterval, cluster_bootstrap
from stats.calibration import Calibration, calibration
from stats.cluster_tests import ClusterTest, cluster_test
from stats.clustered_auc import ClusteredArea, clustered_area, swap_contrasts
from stats.comparison_onsets import (
    change_point_layer,
    cluster_onset,
    first_bh_layer,
    first_max_t_layer,
    first_uncorrected_layer,
)
from stats.constant_shift import AgainstShift, against_constant_shift
from stats.crossing_gap import CrossingCurve, crossing_gap
from stats.depth_difference import DepthDifference, depth_difference
from stats.derangement_ranks import DerangementRanks, derangement_rank_test, derangements
from stats.effect_sizes import paired_hedges_g
from stats.emergence import Emergence, emergence_layer
from stats.equivalence import Equivalence, equivalence
from stats.estimate import Estimate
from stats.follows import Follows, follows
from stats.forward_backward import LayerSet, forward_backward_set, half_forward_backward_set
from stats.half_crossing import (
    HalfCrossing,
    WholeLayer,
    half_plateau_crossing,
    isotonic_crossing,
)
from stats.hand_over import HandOver, hand_over
from stats.hand_over_window import HandOverWindow, hand_over_window
from stats.heavy_tails import HeavyTails, heavy_tails
from stats.information import Information, information
from stats.loudness import Loudness, loudness
from stats.mean_difference import MeanDifference, mean_difference
from stats.mixed_model import MixedModel, mixed_model
from stats.moved_share import MovedShare, moved_share
from stats.multiplicity import adjusted_p
from stats.no_share import NoShare, no_share
from stats.order import CrossingDifference, EmergenceOrder, emergence_order
from stats.overtaking import Overtaking, overtaking_layer
from stats.power import (
    minimum_detectable_effect,
    scenes_for_equivalence,
    scenes_to_detect,
)
from stats.power_curve import PowerCurve, power_curve
from stats.rank_p import rank_p
from stats.relative_depth import at_depths, common_depths
from stats.resampling import resampled_means, resampled_statistic, resampled_t, weight_chunks
from stats.selective import RiskCoverage, risk_coverage
from stats.shares import ClusterShare, ShareInterval, cluster_share, share_interval
from stats.shuffled_labels import ShuffledLabelTest, shuffled_label_test
from stats.sign_flip import SignFlipTest, sign_flip_max_t
from stats.signal_detection import SignalDetection, signal_detection
from stats.smooth_functions import Interval, interval_of_means
from stats.swapped_label_test import SwappedLabelTest, swapped_label_test
from stats.two_sample import TwoSampleTest, two_sample_max_t
from stats.two_sample_emergence import TwoSampleEmergence, two_sample_emergence

__all__ = [
    "AgainstShift",
    "Agreement",
    "AreaDifference",
    "AreaPower",
    "AreaUnderCurve",
    "BootstrapInterval",
    "Calibration",
    "ClusterShare",
    "ClusterTest",
    "ClusteredArea",
    "CrossingCurve",
    "CrossingDifference",
    "DepthDifference",
    "DerangementRanks",
    "Emergence",
    "EmergenceOrder",
    "Equivalence",
    "Estimate",
    "Follows",
    "HalfCrossing",
    "HandOver",
    "HandOverWindow",
    "HeavyTails",
    "Information",
    "Interval",
    "LayerSet",
    "Loudness",
    "MeanDifference",
    "MixedModel",
    "MovedShare",
    "NoShare",
    "Overtaking",
    "PowerCurve",
    "RiskCoverage",
    "ShareInterval",
    "ShuffledLabelTest",
    "SignFlipTest",
    "SignalDetection",
    "SwappedLabelTest",
    "TwoSampleEmergence",
    "TwoSampleTest",
    "WholeLayer",
    "adjusted_p",
    "against_constant_shift",
    "area_difference",
    "area_under_curve",
    "at_depths",
    "calibration",
    "change_point_layer",
    "cluster_bootstrap",
    "cluster_onset",
    "cluster_share",
    "cluster_test",
    "clustered_area",
    "clusters_for_area_gain",
    "common_depths",
    "crossing_gap",
    "depth_difference",
    "derangement_rank_test",
    "derangements",
    "emergence_layer",
    "emergence_order",
    "equivalence",
    "first_bh_layer",
    "first_max_t_layer",
    "first_uncorrected_layer",
    "follows",
    "forward_backward_set",
    "half_forward_backward_set",
    "half_plateau_crossing",
    "hand_over",
    "hand_over_window",
    "heavy_tails",
    "information",
    "interval_of_means",
    "isotonic_crossing",
    "loudness",
    "mean_difference",
    "minimum_detectable_effect",
    "mixed_model",
    "moved_share",
    "no_share",
    "overtaking_layer",
    "paired_hedges_g",
    "power_curve",
    "rank_p",
    "readout_agreement",
    "resampled_means",
    "resampled_statistic",
    "resampled_t",
    "risk_coverage",
    "scenes_for_equivalence",
    "scenes_to_detect",
    "share_interval",
    "shuffled_label_test",
    "sign_flip_max_t",
    "signal_detection",
    "swap_contrasts",
    "swapped_label_test",
    "two_sample_emergence",
    "two_sample_max_t",
    "weight_chunks",
]
