"""Turn what torch.compile generates for a model into a candidate file that stands alone.

`capture` runs Inductor and writes down everything it decided as plain data; `standalone` turns that
data into the text of a file. The package knows nothing of problems, jobs or verdicts.
"""

from __future__ import annotations

from warpsmith.worker.capture.capture import capture
from warpsmith.worker.capture.captured import Captured, NotStandalone
from warpsmith.worker.capture.standalone import standalone
from warpsmith.worker.capture.variants import VARIANTS, variants

__all__ = ["VARIANTS", "Captured", "NotStandalone", "capture", "standalone", "variants"]
