"""What candidates compile: kept by content, sealed by the trusted side, handed out again to the same source.

Why this lets nobody cheat. A build is candidate-controlled: its author decides every byte of it. So it is
only ever given to a candidate with the identical key (`key`), which could have made the same bytes itself,
and it can change nothing for anybody else. It is taken right after the import, before the candidate has
been shown an input, a weight or a shape, so no answer and no trace of an earlier verification can travel in
it. What arrives is one sealed memory file with an index (`parcel`): the trusted side walks no folder and
follows no link that the candidate made, checks every name and size, and computes the digests itself. Where
candidates have no file system of their own nothing is kept, since one could then write to another's entry;
and a certification builds everything anew.
"""
