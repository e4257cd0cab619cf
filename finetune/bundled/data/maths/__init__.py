"""Skills: sums, statistics, number theory."""
