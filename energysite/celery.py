"""The Celery application: `celery -A energysite worker`, or the worker process of `manage.py up`."""

import os
from typing import Any

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "energysite.settings")

app = Celery("energysite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def _keep_ours(**_options: Any) -> None:
    """Celery asks who sets up logging, and does it itself when nobody answers: energysite.logs has done so."""


# Its signals tell how each task ended.
from energysite import task_results  # noqa: E402, F401
