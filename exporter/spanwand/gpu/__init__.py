"""Readers of GPUs, in the daemon and in apps whose daemon cannot see the devices. pynvml is imported when one opens."""
