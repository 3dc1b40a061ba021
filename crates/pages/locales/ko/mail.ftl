mail-greeting = 안녕하세요.
mail-greeting-name = { $name } 님, 안녕하세요.
mail-verify-ignore = 본인이 아니라면 무시하셔도 됩니다. 링크나 코드를 쓰지 않으면 아무 일도 일어나지 않습니다.

mail-verify-subject = 이메일 주소를 확인해 주세요
mail-verify-lead = 아래 링크를 열고 버튼을 누르면 가입이 끝납니다.
mail-verify-action = 주소 확인
mail-verify-code = 또는 가입한 페이지에 이 코드를 입력해 주세요.
mail-verify-life = 링크와 코드는 24시간 동안 쓸 수 있습니다.

mail-known-subject = 이미 계정이 있습니다
mail-known-lead = 누군가 이 주소로 가입하려고 했습니다. 이 주소에는 이미 계정이 있어서 바뀐 것은 없습니다. 본인이라면 로그인해 주세요.
mail-known-forgot = 비밀번호를 잊으셨다면 여기에서 새로 정해 주세요: { $link }
mail-known-ignore = 본인이 아니라면 무시하셔도 됩니다. 계정은 안전합니다.

mail-reset-subject = 새 비밀번호를 정해 주세요
mail-reset-lead = 비밀번호 재설정을 요청하셨습니다. 아래 링크에서 새 비밀번호를 정해 주세요.
mail-reset-action = 새 비밀번호 정하기
mail-reset-life = 링크는 30분 동안 한 번만 쓸 수 있습니다.
mail-reset-ignore = 본인이 아니라면 무시하셔도 됩니다. 비밀번호는 그대로입니다.

mail-changed-subject = 비밀번호가 변경되었습니다
mail-changed-lead = 계정의 비밀번호가 변경되었고, 다른 기기와 앱에서는 로그아웃되었습니다. 본인이 변경하셨다면 더 하실 일은 없습니다.
mail-changed-not-me = 본인이 아니라면 다른 사람이 비밀번호를 알고 있을 수 있습니다. 바로 새 비밀번호를 정해 주세요.
mail-changed-action = 제가 아닙니다
