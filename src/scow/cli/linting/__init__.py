"""``lint``, its reports and its page of rules."""
