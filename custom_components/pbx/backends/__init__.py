"""What a PBX is: the seam, and each kind behind it."""
