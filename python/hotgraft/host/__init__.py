"""The `Host` and the plugin handles that programs use."""
