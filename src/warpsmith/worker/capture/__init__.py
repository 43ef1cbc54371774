"""Turn what torch.compile generates for a model into a candidate file that stands alone.

`capture.capture` runs Inductor and writes down everything it decided as plain data, `standalone.standalone`
turns that data into the text of a file, `variants.variants` names option sets worth trying. The three
know nothing of problems, jobs or verdicts. Empty on purpose: all but the first work without torch.
"""
