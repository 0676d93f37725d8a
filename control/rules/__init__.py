"""What is decided, and by which rule: functions of frozen facts, the same live, in dry-run and in a back-test."""
