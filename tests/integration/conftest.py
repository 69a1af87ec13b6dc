"""For all tests against real stores."""

from __future__ import annotations

import gc
import warnings


def pytest_sessionfinish() -> None:
    """Close what clients of Redis left in cycles: collected later, it would be an error without a test to its name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
