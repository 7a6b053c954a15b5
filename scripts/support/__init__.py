"""What the commands in `scripts/` run; each takes its own room and those below.

`demo/`: scripts/demo and scripts/develop. `bench/`: scripts/bench. `soak.py`:
scripts/soak. `asterisk/`: scripts/asterisk, a real Asterisk with phones. Below them:
`booted/`, a Home Assistant that is booted, used and thrown away; `terminal/`, what a
person sees of a command, and how it ends; `machine.py`, where all this takes place.
"""
