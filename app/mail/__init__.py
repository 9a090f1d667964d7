"""Mails: composed from explicit values, handed to a mailer."""

from app.mail.composing import Composer
from app.mail.files import FileMailer
from app.mail.port import Mail, Mailer, MailError, Sender

__all__ = ["Composer", "FileMailer", "Mail", "MailError", "Mailer", "Sender"]
