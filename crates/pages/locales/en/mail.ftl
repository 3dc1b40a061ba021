mail-greeting = Hello,
mail-greeting-name = Hello { $name },
mail-verify-ignore = If this was not you, do nothing: without the link and the code nothing happens.

mail-verify-subject = Confirm your email address
mail-verify-lead = To finish your registration, open this link and press the button:
mail-verify-action = Confirm the address
mail-verify-code = Or type this code on the page where you registered:
mail-verify-life = Link and code work for 24 hours.

mail-known-subject = You already have an account
mail-known-lead = Somebody, perhaps you, tried to register with this address. It already has an account, so nothing was changed. If it was you, sign in:
mail-known-forgot = If you forgot the password, choose a new one here: { $link }
mail-known-ignore = If it was not you, do nothing: your account is safe.

mail-reset-subject = Choose a new password
mail-reset-lead = You asked for a new password. Open this link to choose one:
mail-reset-action = Choose a new password
mail-reset-life = The link works once, for 30 minutes.
mail-reset-ignore = If this was not you, do nothing: your password stays as it is.

mail-changed-subject = Your password was changed
mail-changed-lead = The password of your account was changed. Your other devices and apps are signed out. If it was you, there is nothing to do.
mail-changed-not-me = If it was not you, somebody else may have your password. Choose a new one at once:
mail-changed-action = This was not me
