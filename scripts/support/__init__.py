"""Python code of the commands in `scripts/`; imports only go from top to bottom.

`demo/`: scripts/demo and scripts/develop. `bench/`: scripts/bench. `soak.py`:
scripts/soak. `asterisk/`: scripts/asterisk, a real Asterisk with phones. Below them:
`booted/`, a temporary Home Assistant instance; `terminal/`, output, progress and exit
status; `machine.py`, project root and free ports.
"""
