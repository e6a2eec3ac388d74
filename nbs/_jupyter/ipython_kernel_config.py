c = get_config()  # noqa: F821  # Jupyter defines it
# What TensorFlow writes when it starts goes to the terminal, not under a cell: it tells
# of one machine, and TF_CPP_MIN_LOG_LEVEL does not silence it.
c.IPKernelApp.capture_fd_output = False
# Pictures: twice as many pixels as they are wide on a page, and one look on all pages.
c.InlineBackend.figure_formats = {"retina"}
c.InlineBackend.rc = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "legend.frameon": False,
}
