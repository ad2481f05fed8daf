"""What a study will take before it is begun: forward passes, time, disk and memory."""
