"""Where things are in this repository."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BACKEND = ROOT / "backend"
FRONTEND = ROOT / "frontend"
SCRIPTS = ROOT / "scripts"
VENV = ROOT / ".venv"
VENV_BIN = VENV / "bin"
NODE_MODULES = FRONTEND / "node_modules"
NODE_BIN = NODE_MODULES / ".bin"
PAGES = FRONTEND / "dist"
DEMO_PAGES = FRONTEND / "dist-demo"
PYTHON_FLOOR = "3.11"
