"""What the sun will make in the next 48 hours: computed in a child process, kept with its time of issue, and scored."""
