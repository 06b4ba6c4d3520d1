"""Service channels that a block of a user may close; every block closes the first three."""

from typing import Final

MANAGER: Final = "manager"
KDRIVE_WEB: Final = "kdrive_web"
MAIL_WEB: Final = "mail_web"
IMAP: Final = "imap"
SMTP: Final = "smtp"
FTP: Final = "ftp"
SSH: Final = "ssh"
DATABASE: Final = "database"
