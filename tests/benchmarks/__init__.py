"""`make bench`: every figure the project promises, measured on real servers and told as it is."""
