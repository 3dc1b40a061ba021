register-title = Create an account
register-lead = We send you a mail to confirm the address.
register-known = Already have an account?

check-mail-title = Check your mail
check-mail-lead = We sent you a mail. Open its link, or type the code from it here.
check-mail-lead-to = We sent a mail to { $email }. Open its link, or type the code from it here.
check-mail-nothing = Nothing arrived? Look in the spam folder, or have it sent once more.
check-mail-again = Send it again
check-mail-resent = Sent again
    .detail = It can take a minute to arrive.
check-mail-elsewhere = Confirmed already, in another browser?
check-mail-go-on = Go on signing in
code-wrong = This code is wrong or has expired. Check it, or have a new mail sent.
code-or-password-wrong = Code and password do not match, or the code has expired. Check both, or have a new mail sent.
code-too-many = Too many wrong codes. Open the link in the mail instead: it still works.

verify-title = Confirm your email address
verify-lead = One click, and your account is ready.
verify-password-hint = The one you chose when you registered: this is another browser.
verify-wrong-password = This is not the password you chose when you registered.
verify-dead-lead = It was used already, or it is more than 24 hours old. If you confirmed your address, just sign in. Otherwise register again.
verified-title = Your address is confirmed
verified-lead = Your account is ready.
verified-for-app = Your account is ready. Sign in to go on to the app.
verified-elsewhere = Your account is ready. You began this for an app in another browser: go back to that one to go on. This browser is not signed in.

link-dead-title = This link no longer works
