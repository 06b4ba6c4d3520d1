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
# description: whether a block of the user closes the channel; a setting adds to the critical three, never takes away
denied(channel) if channel in {"manager", "kdrive_web", "mail_web"}

denied(channel) if channel in data.cordon.settings.additional_critical_channels

denied(channel) if channel in input.subject.blocked_channels
