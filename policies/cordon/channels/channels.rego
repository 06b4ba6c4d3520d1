# METADATA
# title: The service channels
# description: |
#   Where a user works (`domain.md`, "Words", U3 and U4).
# schemas:
#   - input: schema.input
#   - data.cordon.settings: schema.settings
package cordon.channels

# METADATA
# description: every channel
known := {"manager", "kdrive_web", "mail_web", "imap", "smtp", "ftp", "ssh", "database"}

# METADATA
# scope: document
# description: those that every block of the user closes; a setting adds to the three, never takes away
critical contains channel if some channel in {"manager", "kdrive_web", "mail_web"}

critical contains channel if some channel in data.cordon.settings.additional_critical_channels

# METADATA
# scope: document
# description: whether a block of the user closes the channel
denied(channel) if channel in critical

denied(channel) if channel in input.subject.blocked_channels
