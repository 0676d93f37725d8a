"""The Celery application: `celery -A energysite worker`, or the worker process of `manage.py up`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "energysite.settings")

app = Celery("energysite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
