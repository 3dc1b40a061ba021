# On every page.
language-name = English
time-now = just now
skip = Skip to the content
nav-label = Account
nav-account = Account
nav-devices = Devices
nav-apps = Apps
nav-security = Security
nav-sign-out = Sign out

# Words of many pages.
sign-in = Sign in
sign-out = Sign out
create-account = Create an account
back-to-sign-in = Back to sign in
try-again = Try again
confirm = Confirm
email = Email
name = Name
optional = (optional)
code = 6-digit code

password = Password
password-current = Current password
password-new = New password
password-show = Show
password-hide = Hide
password-hint = At least 8 characters; 15 or more are better. Anything goes, spaces too: a few unrelated words make a strong password.
password-too-short = Too short. Use at least 8 characters.
password-too-long = Too long. Use at most 1024 bytes.
password-common = This is one of the passwords that everybody tries first. Choose another one.
password-guessable = Too easy to guess. Make it longer, or add an unrelated word or two.
password-context = This is mostly your email address, your name or the name of this service. Choose something else.
password-same-as-old = This is your current password. Choose a new one.
password-wrong-current = This is not your current password.

email-invalid = This does not look like an email address. It should be like name@example.org.
name-invalid = Use at most 100 characters, without invisible ones.

busy-throttled = Too many attempts
    .detail = Wait a few minutes, then try again.
busy-throttled-wait = Wait { $minutes } min, then try again.
busy-throttled-recover = A new password by mail works at any time.
busy-overloaded = Very busy right now
    .detail = Nothing was lost. Try again in a few seconds.

# The front page.
home-title = Welcome
home-lead = One account for the browser and for every app: sign in here once, sign out everywhere at once.
home-account = Your account
home-try = What to try next
home-try-register = Register with any address:
home-try-inbox = No mail leaves this machine. Read it here:
home-try-cookie = Confirm the address and sign in: this browser now has a session.
home-try-token = Sign in once more, for a token this time:

# The inbox of the development mode.
inbox-title = Development inbox
inbox-link = Development inbox
inbox-lead = What would have been mailed, newest first. Nothing leaves this machine.
inbox-empty = No mail yet
inbox-empty-hint = Register, or ask for a new password, and the mail appears here.
inbox-to = To
