"""The far end of a gateway: pure Python for every Python from 2.7 on, standard library only.

It is not imported from here: tools/pack_worker makes one text of these files, which the controller
sends to a bare interpreter (spec/bootstrap.md). So module-level names are unique among all of them.
"""
