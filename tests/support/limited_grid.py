"""Pictures checked in little memory: ``python limited_grid.py MEGABYTES FOLDER`` prints the contents of the project in
FOLDER, and those that can't be read, as JSON. The process may take so much more than it takes once all is imported."""

import json
import sys
from pathlib import Path

from little_memory import limit_memory
from small_project import Workplace

from spnst_pipeline.planning.grid import checked
from spnst_pipeline.project import Project

if __name__ == "__main__":
    project = Project.open(Workplace(Path(sys.argv[2])).settings())
    limit_memory(int(sys.argv[1]))
    contents = checked(project).contents
    print(json.dumps([sorted(contents.pictures), dict(contents.unreachable)]))
