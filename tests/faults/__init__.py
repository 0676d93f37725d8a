"""What happens to a switch that is on when something breaks: random faults under a simulated clock, and on real processes."""
