# Home Assistant answers `import voluptuous` with probatio, and is typed against
# it: so is this project, or two unrelated Schema classes meet.
from probatio import *
