device-title = 기기 연결
device-lead = 기기 화면에 나온 코드를 입력해 주세요.
device-code = 기기에 표시된 코드
device-continue = 계속
device-unknown = 사용할 수 없는 코드입니다
    .detail = 잘못 입력했거나 만료되었거나 이미 사용한 코드입니다. 다시 확인하거나 기기에서 새 코드를 받아 주세요.

device-confirm-title = 다른 기기의 { $app }에서 내 계정을 사용하도록 허용할까요?
device-warning = 직접 시작한 경우에만 허용하세요
    .detail = 지금 앞에 있는 기기에서 직접 요청하셨나요? 다른 사람이 보낸 링크나 코드라면 거부하세요. 허용하면 그 사람이 내 계정을 쓰게 됩니다.
device-compare = 기기에 표시된 코드와 같은지 확인하세요.
device-from = 요청한 곳 { $ip }
device-asked = 요청 시각
device-allowed-title = 기기를 연결했습니다
device-allowed-lead = 기기로 돌아가세요. 몇 초 안에 자동으로 계속됩니다. 허용한 내용은 앱 메뉴에서 확인하고 언제든 끝낼 수 있습니다.
device-denied-title = 아무것도 허용하지 않았습니다
device-denied-lead = 그 기기는 계정을 쓸 수 없습니다. 이 페이지는 닫아도 됩니다.
