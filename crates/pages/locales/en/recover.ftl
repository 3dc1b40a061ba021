recover-title = Reset your password
recover-lead = Enter your address and we send you a link to choose a new password.
recover-submit = Send the link
recover-sent-lead = If there is an account with this address, a link is on its way. It works once, for 30 minutes.
recover-sent-wait = Nothing arrived? Look in the spam folder, and check that you typed the address you registered with.

reset-title = Choose a new password
reset-lead = Afterwards you are signed out everywhere and can sign in with the new one.
reset-submit = Save the password
reset-dead-lead = It was used already, is more than 30 minutes old, or a newer link replaced it.
reset-dead-again = Get a new link
