device-title = Connect a device
device-lead = Enter the code that your device shows.
device-code = Code on the device
device-continue = Continue
device-unknown = This code leads nowhere
    .detail = It is mistyped, over or used already. Check it, or let your device show a new one.

device-confirm-title = Let { $app } on another device use your account?
device-warning = Only if you started this yourself
    .detail = Did you just ask for it on a device in front of you? If somebody sent you this link or this code, deny: allowing gives them your account.
device-compare = Your device shows this code:
device-from = Asked from { $ip }
device-asked = Asked
device-allowed-title = Your device is connected
device-allowed-lead = Go back to it: it goes on by itself in a few seconds. What it may do is under Apps, where you can also end it.
device-denied-title = Nothing was allowed
device-denied-lead = That device gets nothing. You can close this page.
