"""What stands above every strategy: rules 1 to 6 of the order, one file each. Pure."""
