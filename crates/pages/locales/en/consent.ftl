consent-title = { $app } wants to use your account
consent-account = You are signed in as { $email }
consent-deny = Deny
consent-allow = Allow
consent-nothing = It asks for nothing but that you are here.
consent-resource = Use { $resource } for you

scope-openid = Know that it is you
    .detail = by an identifier of your account
scope-profile = See who you are
    .detail = name, picture and what else your profile says
scope-email = See your email address
    .detail = and whether it is confirmed
scope-address = See your postal address
    .detail = as your profile has it
scope-phone = See your phone number
    .detail = and whether it is confirmed
scope-offline-access = Stay connected when you are away
    .detail = until you end it under Apps
scope-account = Manage your account
    .detail = everything that you can do here
scope-admin = Administer this server
    .detail = its applications, and what everybody let them do
scope-other = as this service has agreed with the app

select-title = Which account?
select-lead = { $app } asks which account to use.
select-continue = Continue as { $email }
select-other = Use another account
select-other-hint = This signs you out here first.

form-post-title = One moment
form-post-lead = You are on your way to { $host }.
form-post-continue = Continue

apps-title = Apps
apps-lead = Apps that you let use your account. Remove one, and its access ends everywhere within a second.
apps-none = No app uses your account.
apps-since = Allowed
apps-remove = Remove access
apps-removed = Access removed
    .detail = That app and its tokens no longer work.
