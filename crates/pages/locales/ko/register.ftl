register-title = 계정 만들기
register-lead = 주소를 확인하는 메일을 보내 드립니다.
register-known = 이미 계정이 있으신가요?

check-mail-title = 메일을 확인해 주세요
check-mail-lead = 메일을 보냈습니다. 메일의 링크를 열거나, 코드를 여기에 입력해 주세요.
check-mail-lead-to = { $email } 주소로 메일을 보냈습니다. 메일의 링크를 열거나, 코드를 여기에 입력해 주세요.
check-mail-nothing = 메일이 오지 않았나요? 스팸함을 살펴보거나 다시 받아 보세요.
check-mail-again = 메일 다시 받기
check-mail-resent = 다시 보냈습니다
    .detail = 도착까지 1분쯤 걸릴 수 있습니다.
check-mail-elsewhere = 다른 브라우저에서 이미 확인했나요?
check-mail-go-on = 로그인 계속하기
code-wrong = 코드가 맞지 않거나 만료되었습니다. 다시 확인하거나 메일을 새로 받아 주세요.
code-or-password-wrong = 코드와 비밀번호가 맞지 않거나 코드가 만료되었습니다. 다시 확인하거나 메일을 새로 받아 주세요.
code-too-many = 잘못된 코드를 너무 많이 입력했습니다. 메일의 링크는 아직 쓸 수 있으니 링크를 열어 주세요.

verify-title = 이메일 주소 확인
verify-lead = 버튼 한 번이면 계정이 준비됩니다.
verify-password-hint = 가입한 브라우저가 아니어서, 가입할 때 정한 비밀번호가 필요합니다.
verify-wrong-password = 가입할 때 정한 비밀번호가 아닙니다.
verify-dead-lead = 이미 사용했거나 24시간이 지난 링크입니다. 주소를 확인하셨다면 로그인하고, 아니라면 다시 가입해 주세요.
verified-title = 주소를 확인했습니다
verified-lead = 계정이 준비되었습니다.
verified-for-app = 계정이 준비되었습니다. 로그인하면 앱으로 이어집니다.
verified-elsewhere = 계정이 준비되었습니다. 다른 브라우저에서 앱에 로그인하던 중이었습니다. 그 브라우저로 돌아가 계속해 주세요. 이 브라우저는 로그인되지 않았습니다.

link-dead-title = 더 이상 쓸 수 없는 링크입니다
