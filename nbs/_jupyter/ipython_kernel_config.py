# What TensorFlow writes when it starts goes to the terminal, not under a cell: it tells
# of one machine, and TF_CPP_MIN_LOG_LEVEL does not silence it.
c = get_config()  # noqa: F821  # Jupyter defines it
c.IPKernelApp.capture_fd_output = False
