"""The commander: snapshot, decide, guard, lease, record."""
