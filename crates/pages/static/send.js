// Sends the one form of the page that carries an answer to its application. Any browser with scripts can.
document.getElementById('form-post').submit();
