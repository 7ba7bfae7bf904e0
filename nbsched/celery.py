"""Celery's workers: `celery -A nbsched worker` starts one; an app of one's own has `include=["nbsched.celery"]`."""

from nbsched.away.celery_worker import about, app_of, carry
from nbsched.engine.settings import settings_here

__all__ = ["about", "app", "carry"]

_asked = settings_here().celery
app = app_of(_asked.broker, _asked.queue)
"""Takes its work where the settings of the folder in which it is started say."""
