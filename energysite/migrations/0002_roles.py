"""The groups of the permission table, so that roles can be given to people in the admin."""

from django.db import migrations

ROLES = ("owner", "member", "viewer")


def make(apps, schema_editor):
    group = apps.get_model("auth", "Group")
    for role in ROLES:
        group.objects.get_or_create(name=role)


class Migration(migrations.Migration):
    dependencies = [
        ("energysite", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    # Going back leaves the groups: people may be in them.
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
