"""The full disk belongs to the long form."""

from chaos_siege import IS_LONG

collect_ignore = [] if IS_LONG else ["test_chaos_full_disk.py"]
