"""A Home Assistant that is booted, used and thrown away, with the PBX in it."""
