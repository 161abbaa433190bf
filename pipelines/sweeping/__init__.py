"""Many trainings that differ in a few settings: which points there are, and each one through the stages."""
