"""The web process's entry point."""

import os
import signal

from django.core.wsgi import get_wsgi_application

from ringfence.base.process import end_with_parent

# A worker whose server was killed would keep the port. What it was doing is rolled back.
end_with_parent(signal.SIGKILL)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ringfence.config.settings")

application = get_wsgi_application()
