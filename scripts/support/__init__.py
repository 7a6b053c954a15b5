"""A Home Assistant that the scripts and the browser test boot, use and throw away."""
