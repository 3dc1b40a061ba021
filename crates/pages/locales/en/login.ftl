login-title = Sign in
login-remember = Keep me signed in on this device
login-forgot = Forgot password?
login-new = New here?
login-for-app = to continue to { $app }
login-again-title = Sign in again
goes-to = You will go to
login-refused = That email and password do not match
    .detail = Check both and try again, or reset the password.
login-password-changed = Your password is changed
    .detail = You are signed out everywhere. Sign in with the new password.
login-session-ended = Please sign in again
    .detail = Your last session has ended.

cookie-title = Your browser did not keep the cookie
cookie-lead = The email and password were right, but the next page came without the cookie that keeps you signed in.
cookie-allow = Allow cookies for this site in the browser’s settings.
cookie-private = Turn off extensions that block cookies, or try without private browsing.
cookie-safari = On http://localhost, Safari keeps no secure cookie: use Chrome, Edge or Firefox there.

logout-title = Sign out?
logout-lead = This ends your session in this browser and the tokens that belong to it.
logout-stay = Stay signed in
logged-out-title = You are signed out
logged-out-lead = The session and its tokens no longer work anywhere.
